"""Read stored results and readings, and reduce them to the points a picture needs."""
