"""Build, describe and launch the job as a Dataflow Flex Template: parameters, image, spec and commands."""
