"""LightGBM behind FastAPI, as one writes it: server.py MODEL PORT."""

import sys

import lightgbm
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
booster = lightgbm.Booster(model_file=sys.argv[1])


class Candidate(BaseModel):
    id: str
    features: list[float]


class RankRequest(BaseModel):
    candidates: list[Candidate]


class RankedCandidate(BaseModel):
    id: str
    score: float
    position: int


class RankResponse(BaseModel):
    results: list[RankedCandidate]


@app.post("/v1/rank")
async def rank(request: RankRequest) -> RankResponse:
    rows = np.array([candidate.features for candidate in request.candidates])
    scores = booster.predict(rows, raw_score=True, num_threads=1)
    order = np.argsort(-scores, kind="stable")
    return RankResponse(results=[
        RankedCandidate(id=request.candidates[place].id, score=scores[place], position=position)
        for position, place in enumerate(order, start=1)])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
