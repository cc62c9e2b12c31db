@main struct Floodgate { static func main() {} }
