"""Draw panels and charts on Matplotlib axes, and compose them into figures."""
