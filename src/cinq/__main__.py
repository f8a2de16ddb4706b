"""python -m cinq"""

from cinq.cli import main

main()
