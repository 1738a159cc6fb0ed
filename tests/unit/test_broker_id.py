import base64

from freshline.embedded.broker import cluster_id


def test_a_cluster_id_is_16_bytes_and_never_looks_like_an_option() -> None:
    for first in range(256):
        made = cluster_id(bytes([first]) + bytes(range(15)))
        assert not made.startswith("-")
        decoded = base64.urlsafe_b64decode(made + "==")
        assert (len(decoded), decoded[1:]) == (16, bytes(range(15)))
