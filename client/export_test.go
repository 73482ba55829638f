package client

// RealtimeURL is realtimeURL for the tests.
var RealtimeURL = realtimeURL
