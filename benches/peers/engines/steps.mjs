// A Restate service: steps that do nothing, each of which is durable before the next one begins.
import * as restate from "@restatedev/restate-sdk";

// The SDK asks for it and Node has it from 22 on; without it every call fails and is tried again for ever.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

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
