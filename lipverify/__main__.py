"""`python -m lipverify` is the `lipverify` command."""

import sys

from lipverify.cli import main

sys.exit(main())
