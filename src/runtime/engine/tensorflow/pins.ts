// What the TensorFlow engine is made of: exact versions and the sha256 of every wheel. Data only.
// The addon's version is pinned by package.json and read from the package itself.

export type TensorflowDevice = "cpu" | "gpu";

export const TENSORFLOW_VERSION = "2.21.0";
export const TFJS_PACKAGE = "@tensorflow/tfjs-node-gpu";

/** Raised when the way an engine is built or laid out changes, so that older builds are made anew. */
export const BUILD_RECIPE = 1;

export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly megabytes: number;
  /** Platform tag of the wheel file, as pip wants it. */
  readonly platform: string;
}

const TENSORFLOW_PLATFORM = "manylinux_2_27_x86_64";
/** The glibc that this platform tag promises. */
export const GLIBC_NEEDED = [2, 27] as const;

const CPU_WHEEL: Wheel = {
  name: "tensorflow-cpu",
  version: TENSORFLOW_VERSION,
  sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
  megabytes: 274,
  platform: TENSORFLOW_PLATFORM,
};

const GPU_WHEEL: Wheel = {
  name: "tensorflow",
  version: TENSORFLOW_VERSION,
  sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
  megabytes: 572,
  platform: TENSORFLOW_PLATFORM,
};

/** The CUDA libraries that `tensorflow[and-cuda]` 2.21.0 asks for. */
const CUDA_WHEELS: readonly Wheel[] = [
  {
    name: "nvidia-cublas-cu12",
    version: "12.9.3.13",
    sha256: "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
    megabytes: 581,
    platform: "manylinux_2_27_x86_64",
  },
  {
    name: "nvidia-cuda-cupti-cu12",
    version: "12.8.90",
    sha256: "ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182",
    megabytes: 10,
    platform: "manylinux2014_x86_64",
  },
  {
    name: "nvidia-cuda-nvcc-cu12",
    version: "12.9.86",
    sha256: "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
    megabytes: 41,
    platform: "manylinux2010_x86_64",
  },
  {
    name: "nvidia-cuda-nvrtc-cu12",
    version: "12.9.86",
    sha256: "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
    megabytes: 90,
    platform: "manylinux2010_x86_64",
  },
  {
    name: "nvidia-cuda-runtime-cu12",
    version: "12.9.79",
    sha256: "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
    megabytes: 3,
    platform: "manylinux2014_x86_64",
  },
  {
    name: "nvidia-cudnn-cu12",
    version: "9.28.0.42",
    sha256: "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
    megabytes: 717,
    platform: "manylinux_2_27_x86_64",
  },
  {
    name: "nvidia-cufft-cu12",
    version: "11.4.1.4",
    sha256: "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
    megabytes: 201,
    platform: "manylinux2014_x86_64",
  },
  {
    name: "nvidia-curand-cu12",
    version: "10.3.10.19",
    sha256: "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
    megabytes: 68,
    platform: "manylinux_2_27_x86_64",
  },
  {
    name: "nvidia-cusolver-cu12",
    version: "11.7.5.82",
    sha256: "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
    megabytes: 338,
    platform: "manylinux_2_27_x86_64",
  },
  {
    name: "nvidia-cusparse-cu12",
    version: "12.5.10.65",
    sha256: "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
    megabytes: 366,
    platform: "manylinux2014_x86_64",
  },
  {
    name: "nvidia-nccl-cu12",
    version: "2.32.3",
    sha256: "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
    megabytes: 352,
    platform: "manylinux_2_27_x86_64",
  },
  {
    name: "nvidia-nvjitlink-cu12",
    version: "12.9.86",
    sha256: "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
    megabytes: 40,
    platform: "manylinux2010_x86_64",
  },
];

/** Every wheel of a device's engine; the first holds TensorFlow itself. */
export function wheelsOf(device: TensorflowDevice): readonly [Wheel, ...Wheel[]] {
  return device === "cpu" ? [CPU_WHEEL] : [GPU_WHEEL, ...CUDA_WHEELS];
}
