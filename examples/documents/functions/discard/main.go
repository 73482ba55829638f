// Command discard is the Lambda function that removes what a step wrote.
package main

import "example.com/documents/document"

func main() { document.Serve(document.NewDiscard) }
