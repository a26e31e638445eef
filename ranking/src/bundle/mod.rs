//! Model bundles: the files a trained model is published as, and the check of them before use.
