import base64

import pytest

from freshline.embedded.broker import cluster_id


@pytest.mark.parametrize("first", range(256))
def test_a_cluster_id_is_16_bytes_and_never_looks_like_an_option(first: int) -> None:
    made = cluster_id(bytes([first]) + bytes(range(15)))
    assert not made.startswith("-")
    assert base64.urlsafe_b64decode(made + "==")[1:] == bytes(range(15))
