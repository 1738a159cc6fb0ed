"""Names of formats: media types, their other names, and the endings that suggest them. Knows no parser.

An ending never decides alone: it chooses between what the bytes allow (freshline.parsing.detection).
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
RST = "text/x-rst"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
EMAIL = "message/rfc822"
PDF = "application/pdf"
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX = f"{_OFFICE}.wordprocessingml.document"
PPTX = f"{_OFFICE}.presentationml.presentation"
XLSX = f"{_OFFICE}.spreadsheetml.sheet"

#: Formats that are no text at their first byte.
BINARY = frozenset({PDF, DOCX, PPTX, XLSX})

#: Source code and configuration: media type -> language, as freshline.parsing.source_code names it.
SOURCE: Mapping[str, str] = {
    "text/x-python": "python",
    "text/javascript": "javascript",
    "text/x-typescript": "javascript",
    "text/x-java-source": "java",
    "text/x-kotlin": "java",
    "text/x-scala": "java",
    "text/x-csharp": "java",
    "text/x-c": "c",
    "text/x-c++": "c",
    "text/x-go": "go",
    "text/x-rust": "rust",
    "text/x-ruby": "ruby",
    "text/x-php": "php",
    "application/x-sh": "shell",
    "application/sql": "sql",
    "application/toml": "ini",
    "text/x-ini": "ini",
    "application/yaml": "yaml",
    "application/xml": "none",
    "text/css": "none",
    "text/x-source": "none",
}

#: Every format by its first name.
ALL = frozenset({PLAIN, MARKDOWN, HTML, RST, CSV, TSV, JSON, JSON_LINES, EMAIL, *BINARY, *SOURCE})

#: Other names under which producers know them.
ALIASES: Mapping[str, str] = {
    "text/x-markdown": MARKDOWN,
    "application/xhtml+xml": HTML,
    "text/prs.fallenstein.rst": RST,
    "text/restructured-text": RST,
    "application/csv": CSV,
    "text/x-csv": CSV,
    "text/json": JSON,
    "application/x-json": JSON,
    "application/ld+json": JSON,
    "application/geo+json": JSON,
    "application/jsonl": JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/ndjson": JSON_LINES,
    "application/x-pdf": PDF,
    "application/x-python": "text/x-python",
    "text/x-script.python": "text/x-python",
    "application/javascript": "text/javascript",
    "application/x-javascript": "text/javascript",
    "application/typescript": "text/x-typescript",
    "text/x-java": "text/x-java-source",
    "text/x-csrc": "text/x-c",
    "text/x-chdr": "text/x-c",
    "text/x-c++src": "text/x-c++",
    "text/x-c++hdr": "text/x-c++",
    "text/x-sh": "application/x-sh",
    "text/x-shellscript": "application/x-sh",
    "application/x-shellscript": "application/x-sh",
    "text/x-sql": "application/sql",
    "text/x-toml": "application/toml",
    "text/yaml": "application/yaml",
    "text/x-yaml": "application/yaml",
    "application/x-yaml": "application/yaml",
    "text/xml": "application/xml",
}

_ENDINGS: Mapping[str, str] = {
    PLAIN: ".txt .text .log",
    MARKDOWN: ".md .markdown .mdown",
    HTML: ".html .htm .xhtml",
    RST: ".rst .rest",
    CSV: ".csv",
    TSV: ".tsv .tab",
    JSON: ".json .geojson .jsonld",
    JSON_LINES: ".jsonl .ndjson",
    EMAIL: ".eml",
    PDF: ".pdf",
    DOCX: ".docx",
    PPTX: ".pptx",
    XLSX: ".xlsx",
    "text/x-python": ".py .pyi",
    "text/javascript": ".js .mjs .cjs .jsx",
    "text/x-typescript": ".ts .tsx",
    "text/x-java-source": ".java",
    "text/x-kotlin": ".kt .kts",
    "text/x-scala": ".scala",
    "text/x-csharp": ".cs",
    "text/x-c": ".c .h",
    "text/x-c++": ".cc .cpp .cxx .hh .hpp",
    "text/x-go": ".go",
    "text/x-rust": ".rs",
    "text/x-ruby": ".rb",
    "text/x-php": ".php",
    "application/x-sh": ".sh .bash .zsh",
    "application/sql": ".sql",
    "application/toml": ".toml",
    "text/x-ini": ".ini .cfg .properties",
    "application/yaml": ".yaml .yml",
    "application/xml": ".xml",
    "text/css": ".css",
}

#: Ending of a file's name, lower case, -> media type.
SUFFIXES: Mapping[str, str] = {
    ending: media_type for media_type, endings in _ENDINGS.items() for ending in endings.split()
}


def by_name(name: str) -> str | None:
    """Return the media type that a name's ending suggests."""
    return SUFFIXES.get(PurePosixPath(name).suffix.lower())
