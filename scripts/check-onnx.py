"""Checks ONNX files by ONNX's own checker (full check, strict shape inference) and opens them in ONNX Runtime.

Run by hand, not by the tests, which need no Python:

    python3 -m venv .venv && .venv/bin/pip install onnx onnxruntime
    .venv/bin/python scripts/check-onnx.py MODEL.onnx ...

To see that an older engine loads the file as well, install it instead: pip install onnxruntime==1.20.1
"""

import sys
from collections import Counter

import onnx
import onnxruntime


def show(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    sizes = [dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim]
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    return f"{value.name}: {kind}[{', '.join(sizes)}]"


def check(path: str) -> None:
    print(path)
    # By path, so that files of more than 2 GB with their weights beside them are checked too.
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    known = {value.name for value in inferred.graph.value_info}
    made = [name for node in inferred.graph.node for name in node.output]
    outputs = {value.name for value in inferred.graph.output}
    unknown = [name for name in made if name not in known and name not in outputs]
    domains = {node.domain for node in model.graph.node}
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    print(f"  IR {model.ir_version}, opsets {opsets}, {len(model.graph.node)} nodes, {len(model.graph.initializer)} tensors")
    print("  " + ", ".join(f"{count} {op}" for op, count in Counter(node.op_type for node in model.graph.node).most_common()))
    for value in model.graph.input:
        print("  takes " + show(value))
    for value in model.graph.output:
        print("  gives " + show(value))
    for entry in model.metadata_props:
        print(f"  {entry.key} = {entry.value[:100]}")
    if domains - {""}:
        raise SystemExit(f"  operators beyond the standard: {domains}")
    if unknown:
        raise SystemExit(f"  {len(unknown)} values without a type, {unknown[0]} first")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    print(f"  ok; ONNX {onnx.__version__}, ONNX Runtime {onnxruntime.__version__} opens it ({len(session.get_outputs())} outputs)")


if len(sys.argv) < 2:
    raise SystemExit(__doc__)
for argument in sys.argv[1:]:
    check(argument)
