// The engines' front door: everything that commands, scripts and other parts of the runtime use.
export { cacheFolder, enginesFolder } from "./cache.ts";
export { describeEngineError, EngineError, type WayOut } from "./error.ts";
export { type EngineName, type EngineStatus, probeEngines } from "./probe.ts";
export { type InstallEvent, type InstallOptions, type InstallResult, installTensorflow } from "./tensorflow/install.ts";
export { linkTensorflow } from "./tensorflow/link.ts";
export { type LoadedTensorflow, type LoadOptions, loadTensorflow, type TensorflowModule } from "./tensorflow/load.ts";
export {
  type LocateOptions,
  locateTensorflow,
  type TensorflowLocation,
  type TensorflowLookup,
} from "./tensorflow/locate.ts";
export { TENSORFLOW_VERSION, type TensorflowDevice, TFJS_PACKAGE } from "./tensorflow/pins.ts";
export { findTools, type Tool, type ToolName } from "./tensorflow/tools.ts";
