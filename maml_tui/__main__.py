"""`python -m maml_tui`: the same as `maml`."""

from maml_tui.cli import main

if __name__ == "__main__":
    main()
