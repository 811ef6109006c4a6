"""`python -m hladr`."""

import sys

from .cli import main

sys.exit(main())
