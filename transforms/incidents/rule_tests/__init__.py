"""Test rules: readings in a compact notation, and the incidents that are expected of them."""
