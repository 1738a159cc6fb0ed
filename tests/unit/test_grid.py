"""Where a table ends, which row is its header: rules that hold for CSV and for sheets."""

import pytest

from freshline.parsing.grid import MAX_BLOCKS, write_table, write_tables
from freshline.parsing.outline import Outline


def tables(*rows: str) -> str:
    """Return the text of rows, of which each is written as "a/b/c"."""
    outline = Outline()
    write_tables(outline, (row.split("/") for row in rows))
    return outline.finish(None).text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (("Name/City", "Ann/Rome"), "Name: Ann | City: Rome"),
        (("Name/2", "Ann/3"), "Name | 2\nAnn | 3"),  # a number is no name
        (("Name/2022/2023", "Ann/3/4"), "Name: Ann | 2022: 3 | 2023: 4"),  # years are
        (
            ("Name/2022/1961", "Ann/3/4", "Bo/1/2"),
            "Name: Ann | 2022: 3 | 1961: 4\nName: Bo | 2022: 1 | 1961: 2",
        ),
        (("x/1961/1999/2001", "y/1/2/3"), "x | 1961 | 1999 | 2001\ny | 1 | 2 | 3"),  # not in equal steps
        (("Name/Name", "Ann/Bo"), "Name | Name\nAnn | Bo"),
        (("Name/2024-05-01", "Ann/x"), "Name | 2024-05-01\nAnn | x"),
        (("Name/a@b.org", "Ann/x"), "Name | a@b.org\nAnn | x"),
        (("/Rome/Oslo", "Ann/1/2"), "Ann | Rome: 1 | Oslo: 2"),  # an empty corner
        (
            ("Name/" + "n" * 61, "Ann/x"),
            f"Name | {'n' * 61}\nAnn | x",
        ),  # a name that could not be repeated whole
        (("Name/City",), "Name | City"),
        (("one", "two"), "one\ntwo"),
    ],
)
def test_header(rows: tuple[str, ...], text: str) -> None:
    assert tables(*rows) == text


def test_caption_above_a_table() -> None:
    assert tables("Sales", "in units/", "Name/n", "Ann/1") == "Sales\n\nin units\n\nName: Ann | n: 1"


def test_a_block_as_wide_goes_on_under_the_header() -> None:
    assert tables("Name/City", "Ann/Rome", "", "Bo/Oslo", "Cy/Bonn") == (
        "Name: Ann | City: Rome\n\nName: Bo | City: Oslo\nName: Cy | City: Bonn"
    )


def test_a_block_with_names_above_values_is_another_table() -> None:
    assert tables("Name/City", "Ann/Rome", "", "Item/Price", "Tea/1.5") == (
        "Name: Ann | City: Rome\n\nItem: Tea | Price: 1.5"
    )


def test_a_block_of_another_width_is_another_table() -> None:
    assert tables("Name/City", "Ann/Rome", "", "Item/Kind/Shop", "Tea/hot/Ed") == (
        "Name: Ann | City: Rome\n\nItem: Tea | Kind: hot | Shop: Ed"
    )


def test_a_long_block_is_written_whole() -> None:
    assert tables("Name/n", *(f"a{i}/{i}" for i in range(1000))).count("\n") == 999


def test_beyond_the_limit_of_blocks_rows_go_on_under_the_last_header() -> None:
    blocks = ["Name/City", "Ann/Rome", ""] * (MAX_BLOCKS - 1) + ["Item/Price", "Tea/1", ""] * 2
    assert tables(*blocks).endswith("Item: Tea | Price: 1\n\nItem: Item | Price: Price\nItem: Tea | Price: 1")


def test_a_header_that_is_known_is_taken_where_it_costs_no_text() -> None:
    for names, expected in (("n/1", "n: x | 1: y"), ("n/" + "m" * 61, f"n | {'m' * 61}\nx | y")):
        outline = Outline()
        write_table(outline, [names.split("/"), ["x", "y"]], header=True)
        assert outline.finish(None).text == expected
