"""`python -m fivefifty` is the command `fivefifty`."""
from .cli import main

if __name__ == "__main__":
    main(prog_name="fivefifty")
