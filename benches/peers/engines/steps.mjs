// A Restate service: steps that do nothing, each of which is durable before the next one begins.
import * as restate from "@restatedev/restate-sdk";

const machine = restate.service({
  name: "machine",
  handlers: {
    run: async (context, steps) => {
      for (let step = 0; step < steps; step += 1) {
        await context.run(`step-${step}`, () => step);
      }
      return steps;
    },
  },
});

restate.serve({ services: [machine], port: Number(process.argv[2]) });
