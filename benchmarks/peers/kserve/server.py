"""A LightGBM model in KServe's Python server, V1 protocol: server.py MODEL PORT. The client sorts."""

import logging
import sys

import lightgbm
import numpy as np
import uvicorn
from kserve import Model, ModelServer


class Ranker(Model):
    def __init__(self, path):
        super().__init__("ranker")
        self.booster = lightgbm.Booster(model_file=path)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        rows = np.array(payload["instances"])
        return {"predictions": self.booster.predict(rows, raw_score=True, num_threads=1).tolist()}


if __name__ == "__main__":
    model, port = sys.argv[1], int(sys.argv[2])
    # It listens everywhere and logs each request twice otherwise.
    configuration = uvicorn.Config
    uvicorn.Config = lambda app, **settings: configuration(app, **{**settings, "host": "127.0.0.1"})
    logging.disable(logging.INFO)
    ModelServer(http_port=port, enable_grpc=False, enable_latency_logging=False).start([Ranker(model)])
