#!/usr/bin/env bash
# DHAA at batch 64 on a GPU: builds the addon against TensorFlow's CUDA wheel, holds the engines against each other, and times a
# training step beside PyTorch's fastest form (compiled, autocast to bf16, channels last) on the same GPU, in f32 and in bf16.
#   PYTHON=python bench/gpu.sh [BATCH]
# PYTHON names an interpreter with bench/requirements.txt, whose PyTorch must see the GPU. TF_XLA_FLAGS=--tf_xla_auto_jit=2 tries XLA.
# Where something that it needs is missing it says so and ends with 0: nothing was measured, and nothing is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "bench/gpu.sh: $1 Nothing was measured."
  exit 0
}
python="${PYTHON:-python3}"

if ! gpus="$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null)"; then
  skip "no GPU is here: nvidia-smi is missing or finds none."
fi
echo "GPU: ${gpus}"
node scripts/setup.mjs --brief --no-engine
if ! node bin/archc engine install tensorflow --gpu; then
  skip "TensorFlow's CUDA wheel could not be brought here or built; the reason is above."
fi
export ARCHC_TENSORFLOW=gpu
if ! node bin/archc engine list --json | grep -Eq '"device": *"gpu"'; then
  skip "the addon was built, but its TensorFlow finds no GPU."
fi
if ! "$python" -c 'import safetensors, torch; raise SystemExit(0 if torch.cuda.is_available() else 1)' 2>/dev/null; then
  skip "PyTorch of $python is missing or sees no GPU; PYTHON names another interpreter."
fi

# TF32 would be another precision than that of the yardstick
NVIDIA_TF32_OVERRIDE=0 node bin/archc verify models/dhaa_ablations.arch --variant dhaa_small
node bench/run.mjs train --batch "${1:-64}" --images bytes --rounds 7 --steps 3 \
  --ours="--precision bf16;--precision f32" --peers "compile+bf16+channels_last+cuda,compile+channels_last+cuda"
