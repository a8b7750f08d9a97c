"""Write the generated tables of the pages: ``python -m tests.docs``, or ``make docs``."""

from tests.support.generated_tables import write_pages

if __name__ == "__main__":
    write_pages()
