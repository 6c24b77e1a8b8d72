// Test settings. Every file runs in its own forked process, so that a test which loads TensorFlow
// does not leave its threads and its environment variables to the next one.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A missing expectation must fail, not be written by the run that should have checked it.
    update: false,
    passWithNoTests: false,
  },
});
