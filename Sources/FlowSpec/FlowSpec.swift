// FlowSpec
