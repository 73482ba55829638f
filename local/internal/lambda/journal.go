package lambda

// Journal keeps what one invocation logs.
type Journal interface {
	// Ended tells how the invocation came out: nil if it succeeded.
	Ended(ferr *FunctionError)
	// Tail returns the last 4 KB of what was logged.
	Tail() []byte
}

// LogGroup is the name of the function's log group.
//
// Source: Lambda Developer Guide, "Configuring CloudWatch log groups".
func (f *Function) LogGroup() string {
	if c := f.Properties.LoggingConfig; c != nil && c.LogGroup != "" {
		return c.LogGroup
	}
	return "/aws/lambda/" + f.Name
}

// LogStream is the name of an environment's log stream.
func (f *Function) LogStream(instance int) string {
	name, _ := f.lookupEnv("AWS_LAMBDA_LOG_STREAM_NAME", instance)
	return name
}
