//! Ranking metrics per query, their averages and their intervals.
