"""One module per wire format; the `vendor_` modules hold what the formats of one vendor share."""
