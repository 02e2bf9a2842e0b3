return digits(clock())
