"""What spark-submit runs: the stream, from the project's wheel in --py-files. See docs/operations.md."""

from streaming.__main__ import main

main()
