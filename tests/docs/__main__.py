"""Write the generated tables and pictures of the pages: ``python -m tests.docs``, or ``make docs``."""

from tests.support.generated_tables import write_pages
from tests.support.rule_pictures import write_pictures

if __name__ == "__main__":
    write_pages()
    write_pictures()
