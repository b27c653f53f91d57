"""What an accepted state costs, beside published figures."""
