# SPDX-License-Identifier: BSD-2-Clause
"""What t/bench/run and t/bench.t are made of."""
