package local

import (
	"maps"
	"net"
	"net/url"
	"slices"
)

// reserved are the variables that Lambda sets and that a template cannot (Lambda developer guide, "Defined
// runtime environment variables"); those with the role's credentials and the Runtime API's address come on top.
// AWS_EXECUTION_ENV is not among them for the runtimes that have no language.
var reserved = []string{
	"_HANDLER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
}

// processEnviron is the environment of a function's process: Lambda's variables and the template's, and those that lead to the stack.
// Nothing of this process's own environment is in it.
func (s *Stack) processEnviron(c *functionCode, instance int) ([]string, error) {
	outlet, err := s.outlet()
	if err != nil {
		return nil, err
	}
	proxy := outlet.url(c.info.LogicalID)
	env := map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_ENDPOINT_URL":         s.names.endpoint,
		// All that is not AWS goes to Options.Egress.
		"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": noProxy(s.names.endpoint), "SSL_CERT_FILE": outlet.certificates,
	}
	maps.Copy(env, c.function.Variables())
	maps.Copy(env, c.process.Env)
	for _, name := range reserved {
		env[name], _ = c.function.LookupEnv(name, instance)
	}
	credentials := s.credentialsOf(c.function.Role())
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"] = credentials.AccessKeyID, credentials.SecretAccessKey, credentials.SessionToken
	env["LAMBDA_TASK_ROOT"] = c.process.TaskRoot
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list, nil
}

// noProxy are the hosts that a process reaches itself: this machine, with the Runtime API, and the stack.
func noProxy(endpoint string) string {
	hosts := "127.0.0.1,localhost"
	if u, err := url.Parse(endpoint); err == nil && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		hosts += "," + u.Hostname()
	}
	return hosts
}
