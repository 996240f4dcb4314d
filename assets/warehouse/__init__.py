"""The warehouse stage: keeps whole local days, and answers queries over them."""
