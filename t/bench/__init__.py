"""What t/bench/run and t/bench.t are made of."""
