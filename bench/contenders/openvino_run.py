"""An ONNX file on OpenVINO as a contender of a bench: a prediction a step.

    python bench/contenders/openvino_run.py FILE.onnx INPUTS.safetensors

The CPU plugin with its latency hint, in f32 (on processors with bf16 it would take that unasked), and shapes fixed to the batch's, which is
what it is fastest with. Needs openvino and safetensors.
"""

import os
import sys

import openvino as ov
from safetensors.numpy import load_file

from steps import serve


def main() -> None:
    path, inputs = sys.argv[1:3]
    core = ov.Core()
    model = core.read_model(path)
    given = load_file(inputs)
    batch = {port.any_name: given[port.any_name] for port in model.inputs}
    model.reshape({name: value.shape for name, value in batch.items()})
    threads = len(os.sched_getaffinity(0))
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    serve(lambda: request.infer(batch)[0].flat[0])


main()
