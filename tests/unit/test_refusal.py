from freshline.refusal import letter_key, preview


def test_a_preview_is_escaped_once_and_acts_on_nothing() -> None:
    assert preview(b"\xff\x1b[2J \\ ok\n") == r"\xff\x1b[2J \\ ok\n"
    assert preview(b"x" * 121) == "x" * 120


def test_a_key_that_would_fill_a_letter_is_left_out() -> None:
    assert letter_key(b"k" * 4096) == b"k" * 4096
    assert letter_key(b"k" * 4097) is None
    assert letter_key(None) is None
