"""The report: one page that opens without a network, and a folder with what is loaded when it is opened."""
