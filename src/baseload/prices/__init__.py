"""The price book: every model, price, band and rule, dated and sourced."""
