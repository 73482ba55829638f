// Command intake is the Lambda function that takes requests off the queue.
package main

import "example.com/documents/document"

func main() { document.Serve(document.NewIntake) }
