"""``python -m dipproofs``."""

from dipproofs.cli import main

if __name__ == "__main__":
    main()
