"""Which dollars a contract covers, month by month and on the paths, and whether one contract should cover them all."""
