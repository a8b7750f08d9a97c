"""The job as a Flex Template of Dataflow: parameters, image, spec, and the commands that build and launch it."""
