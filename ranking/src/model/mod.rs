//! Gradient-boosted tree models in the text format of LightGBM.
