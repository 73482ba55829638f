package appsyncjs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner reads the few tokens of import and export statements, whose syntax esbuild has already accepted.
type scanner struct {
	*module
	at    int // behind the last token
	start int // of the last token
}

// next is the next token: a word, a string with its quotes, or one character of punctuation; "" at the end.
func (s *scanner) next() string {
	s.skip()
	s.start = s.at
	if s.at == len(s.body) {
		return ""
	}
	switch c := s.body[s.at]; c {
	case '"', '\'':
		s.at++
		for s.at < len(s.body) && s.body[s.at] != c {
			if s.body[s.at] == '\\' {
				s.at++
			}
			s.at++
		}
		s.at = min(s.at+1, len(s.body))
	default:
		for s.at < len(s.body) {
			r, n := utf8.DecodeRuneInString(s.body[s.at:])
			if r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
				break
			}
			s.at += n
		}
		if s.at == s.start {
			_, n := utf8.DecodeRuneInString(s.body[s.at:])
			s.at += n
		}
	}
	return s.body[s.start:s.at]
}

// peek is the next token without taking it.
func (s *scanner) peek() string {
	at, start := s.at, s.start
	token := s.next()
	s.at, s.start = at, start
	return token
}

// skip goes past blanks and comments.
func (s *scanner) skip() {
	for s.at < len(s.body) {
		rest := s.body[s.at:]
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case unicode.IsSpace(r) || r == '\ufeff':
			s.at += n
		case strings.HasPrefix(rest, "//"):
			if n = strings.IndexAny(rest, "\r\n\u2028\u2029"); n < 0 {
				n = len(rest)
			}
			s.at += n
		case strings.HasPrefix(rest, "/*"):
			if n = strings.Index(rest, "*/"); n < 0 {
				n = len(rest) - 2
			}
			s.at += n + 2
		default:
			return
		}
	}
}

func (s *scanner) importStatement(from int) error {
	var made []binding
	var wrong error // with what is imported; that the module is unknown goes first
	switch token := s.next(); token {
	case "(":
		return s.fault(from, "import() is not supported")
	case ".":
		return s.fault(from, "import.meta is not supported")
	default:
		if quoted(token) {
			break // for its effects only
		}
		for ; token != "from"; token = s.next() {
			switch token {
			case "*":
				s.next() // as
				made = append(made, binding{local: s.next(), exported: "*"})
			case "{":
				for name := s.next(); name != "}" && name != ""; name = s.next() {
					b := binding{local: name, exported: name}
					if quoted(name) {
						wrong = s.fault(s.start, "APPSYNC_JS modules have no export %s", name)
					}
					if s.peek() == "as" {
						s.next()
						b.local = s.next()
					}
					made = append(made, b)
					if s.peek() == "," {
						s.next()
					}
				}
			case ",":
			case "":
				return s.fault(from, "the import does not end")
			default:
				wrong = s.fault(s.start, "APPSYNC_JS modules have no default export")
			}
		}
		s.next()
	}
	path := strings.Trim(s.body[s.start:s.at], `'"`)
	at := s.start
	known, ok := modules[path]
	if !ok {
		if why, refused := refusedModules[path]; refused {
			return s.fault(at, "%s", why)
		}
		return s.fault(at, "cannot import %q: APPSYNC_JS has the modules @aws-appsync/utils and @aws-appsync/utils/dynamodb only; bundle other code into one file", path)
	}
	if wrong != nil {
		return wrong
	}
	if s.peek() == "with" || s.peek() == "assert" {
		return s.fault(at, "import attributes are not supported")
	}
	for i := range made {
		made[i].module = path
		if made[i].exported != "*" && !known[made[i].exported] {
			return s.fault(from, "%s has no export %s", path, made[i].exported)
		}
	}
	s.imports = append(s.imports, made...)
	if s.peek() == ";" {
		s.next()
	}
	s.erase(from, s.at)
	return nil
}

func (s *scanner) exportStatement(from int) error {
	after := s.at
	switch token := s.next(); token {
	case "default":
		return s.fault(from, "default exports are not supported: a handler is found by its name")
	case "*":
		return s.fault(from, "re-exports are not supported")
	case "{":
		for name := s.next(); name != "}" && name != ""; name = s.next() {
			e := export{name: name, local: name, offset: s.start}
			if s.peek() == "as" {
				s.next()
				e.name = s.next()
			}
			s.exported = append(s.exported, e)
			if s.peek() == "," {
				s.next()
			}
		}
		if s.peek() == "from" {
			return s.fault(from, "re-exports are not supported")
		}
		if s.peek() == ";" {
			s.next()
		}
		s.erase(from, s.at)
		return nil
	case "async":
		return s.fault(s.start, "async functions are not supported")
	case "class":
		return s.fault(s.start, "classes are not supported")
	case "function":
		if s.peek() == "*" {
			return s.fault(s.start, "generators are not supported")
		}
	}
	name := s.next()
	if name == "{" || name == "[" {
		return s.fault(s.start, "an exported declaration must be a function or one name")
	}
	s.exported = append(s.exported, export{name: name, local: name, offset: from})
	s.erase(from, after)
	return nil
}

func quoted(token string) bool { return token != "" && (token[0] == '"' || token[0] == '\'') }
