"""The warehouse stage: storage of whole local days, and queries over them."""
