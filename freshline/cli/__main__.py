"""`python -m freshline.cli` is `freshline`."""

from freshline.cli.main import main

main()
