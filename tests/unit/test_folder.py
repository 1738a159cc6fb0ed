from pathlib import Path

from freshline.folder import document_id, left_out, read_document, readable_files


def test_what_is_taken_up_and_what_is_said_to_be_left_out(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.TXT", "a/p.pdf", "q.pdf", "LICENSE", ".git/config.txt", ".hidden.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("text")
    files = list(readable_files(tmp_path))
    assert [document_id(file, tmp_path) for file in files] == ["a/c.TXT", "b.md"]
    assert left_out(tmp_path) == "3 files left out (.pdf 2, no ending 1)"


def test_a_file_by_itself_is_taken_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(b"\xff\xfe")
    assert list(readable_files(file)) == [file]
    assert left_out(file) == ""
    event = read_document(file, doc_id=document_id(file, file), collection="docs")
    assert (event.doc_id, event.content, event.content_base64) == ("notes", None, "//4=")
