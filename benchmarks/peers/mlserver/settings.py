"""Writes a folder that `mlserver start` serves a LightGBM model from: settings.py FOLDER MODEL PORT."""

import json
import pathlib
import shutil
import sys


def write(folder, model, port):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, folder / "model.bst")
    # One process, and nothing else that would cost: no metrics, no gRPC calls, no logs of requests.
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
                "parallel_workers": 0, "debug": False, "use_structured_logging": False}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps({
        "name": "ranker", "implementation": "mlserver_lightgbm.LightGBMModel",
        "parameters": {"uri": "./model.bst"}}))


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
