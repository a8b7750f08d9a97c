"""Start the job for the template's launcher, which passes the parameters as flags."""

import sys

from pipeline.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
